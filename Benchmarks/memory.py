"""What stays resident of the daemon while it is stepped hour by hour."""

from served import Control, daemon

HOURS_OF_2020 = 366 * 24


def stepped(model, hours):
    """Kibibytes of memory when it is ready, and after so many hours of a run."""
    with daemon() as served:
        control = Control(served.control)
        sizes = [served.resident_kib()]
        control.request(op="open", model=model, run="long", start="2020-01-01", seed=1)
        seq = 0
        for end in hours:
            while seq < end:
                control.exchange(op="step", run="long", seq=seq, format="records")
                seq += 1
            sizes.append(served.resident_kib())
        control.close()
        return sizes


def measure_memory(models):
    """Of each model, after a month; and of a force after a year."""
    measured = {}
    for model in models:
        hours = [31 * 24, HOURS_OF_2020] if model == "merseyside" else [31 * 24]
        ready, month, *year = stepped(model, hours)
        measured[model] = {"ready_kib": ready, "month_kib": month, **({"year_kib": year[0]} if year else {})}
    return measured


def memory_rows(measured):
    """Lines of the table: what, the measured, the bar."""
    for model, sizes in measured.items():
        bar = "at most 32 MB" if model == "merseyside" else "at most 200 MB"
        for name, words in (("ready_kib", "ready"), ("month_kib", "a month stepped"), ("year_kib", "a year stepped")):
            if name in sizes:
                yield f"resident memory, {model}, {words}", f"{sizes[name] * 1024 / 1e6:.1f} MB", bar, ""
