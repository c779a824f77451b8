# A client that loses nothing and never hangs, whatever dies (docs/clients.md): a small library for R.
#
#   source("conforming_client.R")
#   crims <- crims_connect()
#   run <- crims_ask(crims, "open", model = "merseyside", start = "2020-01-06", run = "r1")
#   step <- crims_ask(crims, "step", run = "r1", seq = 0, format = "columns", adjust = list())
#   step$frame    # a data frame; with format = "csv": read.csv(text = step$csv)
#
# Lists become JSON arrays, named lists objects, and NULL is left out: categories = list("burglary").
# Run by Rscript it is put through clients/conformance/: a line of JSON in, one out.
# Debian: apt install r-base-core r-cran-pbdzmq r-cran-jsonlite
suppressPackageStartupMessages({
  library(jsonlite)
  library(pbdZMQ)
})

crims_connect <- function(endpoint = "tcp://127.0.0.1:5555", patience = 3, give_up = 60) {
  crims <- list2env(list(endpoint = endpoint, patience = patience, give_up = give_up, asked = 0, heard = FALSE))
  crims$context <- zmq.ctx.new()
  crims$socket <- crims_socket(crims)
  crims
}

# Returns the reply as a list. An error has the daemon's code as its class, and all of it in `error`; where there is no
# reply its class is no_answer or bad_reply, and the same may be asked again if it has a name (rule 1).
crims_ask <- function(crims, op, ...) {
  request <- list(v = 1, op = op, id = crims_id(crims), ...)
  frame <- charToRaw(crims_json(Filter(Negate(is.null), request)))
  patience <- crims$patience
  since <- crims_now()
  zmq.msg.send(frame, crims$socket, serialize = FALSE)
  while (is.null(reply <- crims_receive(crims, crims$socket, request$id, patience))) {
    status <- crims_status(crims, request[["run"]])
    if (any(vapply(status$runs, function(run) isTRUE(run$stepping) || length(run$waiting_for) > 0, NA))) {
      since <- crims_now() # it is at work: wait on
      next
    }
    silent <- crims_now() - since
    if (!crims$heard || silent > crims$give_up) {
      crims_stop("no_answer", sprintf("no answer from %s for %.1f s: is crims serve running?", crims$endpoint, silent))
    }
    if (!is.null(status)) patience <- 2 * patience
    crims$socket <- crims_socket(crims, crims$socket)
    zmq.msg.send(frame, crims$socket, serialize = FALSE)
  }
  if (!reply$ok) crims_stop(reply$error$code, paste0(op, ": ", reply$error$message), reply$error)
  reply
}

crims_now <- function() proc.time()[["elapsed"]]
crims_id <- function(crims) as.character(crims$asked <- crims$asked + 1)
crims_stop <- function(code, message, error = NULL) {
  stop(structure(class = c(code, "crims_error", "error", "condition"),
                 list(message = message, call = NULL, code = code, error = error)))
}

# A new socket, in the place of an old one. Not a REQ: that takes the first reply for its own, whatever its id.
crims_socket <- function(crims, old = NULL) {
  if (!is.null(old)) zmq.close(old)
  socket <- zmq.socket(crims$context, .pbd_env$ZMQ.ST$DEALER)
  zmq.setsockopt(socket, .pbd_env$ZMQ.SO$LINGER, 0L)
  zmq.connect(socket, crims$endpoint)
  socket
}

# What the daemon says of the run, within a second; NULL if it says nothing.
crims_status <- function(crims, run) {
  socket <- crims_socket(crims)
  on.exit(zmq.close(socket))
  request <- list(v = 1, op = "status", id = crims_id(crims), run = run)
  zmq.msg.send(charToRaw(crims_json(Filter(Negate(is.null), request))), socket, serialize = FALSE)
  crims_receive(crims, socket, request$id, min(1, crims$patience))
}

# The reply with that id, or NULL if none comes in time; what has another id was for somebody who has gone.
crims_receive <- function(crims, socket, id, seconds) {
  until <- crims_now() + seconds
  while ((left <- until - crims_now()) > 0) {
    if (zmq.poll(c(socket), .pbd_env$ZMQ.PO$POLLIN, as.integer(ceiling(1000 * left)))[1] < 1) next
    frames <- zmq.recv.multipart(socket, unserialize = FALSE)
    reply <- tryCatch(parse_json(`Encoding<-`(rawToChar(frames[[1]]), "UTF-8")), error = function(error) NULL)
    if (!is.list(reply) || !is.logical(reply[["ok"]])) {
      crims_stop("bad_reply", paste(crims$endpoint, "answers what is no reply of a CriMS daemon"))
    }
    crims$heard <- TRUE
    if (identical(reply[["id"]], id) || is.null(reply[["id"]])) return(crims_data(reply, frames[-1]))
  }
}

# The data frames that follow a reply, as its members `csv` or `frame`.
crims_data <- function(reply, frames) {
  if (!is.null(reply[["columns"]])) {
    columns <- Map(function(column, frame) crims_column(frame, column$type), reply$columns, frames)
    reply$frame <- data.frame(setNames(columns, vapply(reply$columns, `[[`, "", "name")), check.names = FALSE)
  } else if (length(frames) == 1) {
    reply$csv <- `Encoding<-`(rawToChar(frames[[1]]), "UTF-8")
  }
  reply
}

# R has no integers of 64 bits, but ids are below 2^53: four times 16 bits make a double without loss.
crims_column <- function(frame, type) {
  size <- c(i64 = 2, i32 = 4, u16 = 2, u8 = 1)[[type]]
  numbers <- readBin(frame, "integer", length(frame) / size, size = size, signed = type == "i32", endian = "little")
  if (type == "i64") as.vector(65536^(0:3) %*% matrix(numbers, nrow = 4)) else numbers
}

# jsonlite's toJSON writes 15 digits, and ids and seeds have 16.
crims_json <- function(x) {
  if (is.null(x)) return("null")
  if (is.list(x) || length(x) != 1) {
    items <- vapply(seq_along(x), function(i) crims_json(x[[i]]), "")
    names <- vapply(names(x), crims_json, "")
    if (is.null(names(x))) return(paste0("[", paste(items, collapse = ","), "]"))
    return(paste0("{", paste(paste0(names, rep(":", length(x)), items), collapse = ","), "}"))
  }
  if (is.character(x)) return(as.character(toJSON(unbox(x))))
  if (is.logical(x)) return(tolower(x))
  short <- sprintf("%.15g", x)
  if (as.numeric(short) == x) short else sprintf("%.17g", x)
}

crims_conformance <- function(patience, give_up, endpoint) {
  crims <- crims_connect(endpoint, as.numeric(patience), as.numeric(give_up))
  lines <- file("stdin", "r")
  while (length(line <- readLines(lines, 1, encoding = "UTF-8"))) {
    said <- tryCatch({
      reply <- do.call(crims_ask, c(list(crims), parse_json(line)))
      list(reply = reply[setdiff(names(reply), c("csv", "frame"))], csv = reply$csv,
           columns = if (!is.null(reply$frame)) lapply(reply$frame, as.list))
    }, crims_error = function(error) list(error = error$code, message = conditionMessage(error)))
    writeLines(crims_json(Filter(Negate(is.null), said)), useBytes = TRUE)
    flush(stdout())
  }
}

if (sys.nframe() == 0) {
  given <- commandArgs(trailingOnly = TRUE) # --patience S --give-up S ENDPOINT
  crims_conformance(given[2], given[4], given[5])
}
