#ifndef CRIMS_CZMQ_SHIM_H
#define CRIMS_CZMQ_SHIM_H
#include <zmq.h>
#endif
