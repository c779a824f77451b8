# A day of a run, hour by hour, from R; from noon on with half the vehicle crime.
#
# Debian: apt install r-base-core r-cran-pbdzmq r-cran-jsonlite
# Start `crims serve`, then: Rscript client.R [tcp://127.0.0.1:5555]
suppressPackageStartupMessages({
  library(jsonlite)
  library(pbdZMQ)
})

endpoint <- c(commandArgs(trailingOnly = TRUE), "tcp://127.0.0.1:5555")[1]
context <- zmq.ctx.new()
socket <- zmq.socket(context, .pbd_env$ZMQ.ST$REQ)
invisible(zmq.setsockopt(socket, .pbd_env$ZMQ.SO$RCVTIMEO, 4000L))
invisible(zmq.setsockopt(socket, .pbd_env$ZMQ.SO$LINGER, 0L))
zmq.connect(socket, endpoint)

ask <- function(op, ...) {
  request <- toJSON(list(v = 1, op = op, ...), auto_unbox = TRUE, digits = NA)
  zmq.msg.send(charToRaw(request), socket, serialize = FALSE)
  reply <- zmq.msg.recv(socket, unserialize = FALSE)
  if (length(reply) == 0) stop("no answer from ", endpoint, ": is crims serve running?")
  reply <- fromJSON(rawToChar(reply))
  if (!reply$ok) stop(op, ": ", reply$error$code, ", ", reply$error$message)
  reply
}

run <- ask("open", model = "merseyside", start = "2020-01-06", seed = 7)$run
hours <- lapply(0:23, function(hour) {
  if (hour == 12) {
    ask("adjust", run = run, factor = 0.5, categories = list("vehicle crime"))
  }
  step <- ask("step", run = run, seq = hour)
  data.frame(from = step$from, incidents = step$count, expected = step$expected)
})
print(do.call(rbind, hours), row.names = FALSE)
