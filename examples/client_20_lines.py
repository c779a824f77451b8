import zmq

socket = zmq.Context.instance().socket(zmq.REQ)
socket.linger, socket.rcvtimeo = 0, 4000
socket.connect("tcp://127.0.0.1:5555")


def ask(op, **fields):
    socket.send_json({"v": 1, "op": op, **fields})
    reply = socket.recv_json()
    assert reply["ok"], reply["error"]
    return reply


run = ask("open", model="merseyside", start="2020-01-06", seed=7)["run"]
for hour in range(24):
    step = ask("step", run=run, seq=hour)
    print(step["from"], step["count"], "incidents,", round(step["expected"], 1), "expected")
    if hour == 11:  # from the next step on, half the vehicle crime
        ask("adjust", run=run, factor=0.5, categories=["vehicle crime"])
