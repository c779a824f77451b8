import crims

with crims.connect() as sim:  # or crims.launch(), which starts a daemon of its own
    with sim.open("merseyside", start="2020-01-06", seed=7) as run:
        for step in run.until("2020-01-07"):
            print(step.start, step.count, "incidents,", round(step.expected, 1), "expected")
            if step.seq == 11:  # from the next step on, half the vehicle crime
                run.adjust(0.5, category="vehicle crime", reason="patrols")
        print(run.incidents().frame())
