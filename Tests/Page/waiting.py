"""What the page's tests wait for."""

import time


def until(page, expression, seconds=20):
    """Waits for something in the page. Playwright's own way makes code of a string, which the page's policy forbids."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, f"not in {seconds} s: {expression}"
        page.wait_for_timeout(30)


def ready(page, time="24 hours"):
    """Waits until the sentence at the top says what the feedback did, and expectations are there."""
    until(page, f"document.getElementById('lead').textContent.includes('in the last {time}')")
    until(page, "document.querySelector('#by-day .band') !== null")


def settle(page):
    page.wait_for_timeout(500)
