// MHD_start_daemon takes its options as variable arguments, which Swift does not pass.
#ifndef CRIMS_CMICROHTTPD_SHIM_H
#define CRIMS_CMICROHTTPD_SHIM_H
#include <sys/socket.h>
#include <microhttpd.h>

/// What a server is started with; each function is called with `context` first.
struct crims_http_options {
    int listener;
    unsigned connections;
    size_t connection_bytes;
    unsigned timeout_seconds;
    void *context;
    MHD_AccessHandlerCallback handle;
    void *(*begin)(void *context, const char *target, struct MHD_Connection *connection);
    MHD_RequestCompletedCallback complete;
    MHD_NotifyConnectionCallback connection;
};

/// What libmicrohttpd would write to stderr; each of it is a peer's fault, and told by a status or a closed connection.
static inline void crims_http_silent(void *context, const char *format, va_list arguments) {
    (void)context, (void)format, (void)arguments;
}

/// One thread, which waits with epoll; NULL if it cannot be started.
static inline struct MHD_Daemon *crims_http_start(const struct crims_http_options *o) {
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, o->handle,
        o->context, MHD_OPTION_EXTERNAL_LOGGER, crims_http_silent, NULL, MHD_OPTION_LISTEN_SOCKET, o->listener,
        MHD_OPTION_CONNECTION_LIMIT, o->connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT, o->connection_bytes,
        MHD_OPTION_CONNECTION_TIMEOUT, o->timeout_seconds, MHD_OPTION_URI_LOG_CALLBACK, o->begin, o->context,
        MHD_OPTION_NOTIFY_COMPLETED, o->complete, o->context, MHD_OPTION_NOTIFY_CONNECTION, o->connection, o->context,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
}

static inline int crims_http_descriptor(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

static inline void *crims_http_context(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static inline const struct sockaddr *crims_http_address(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return info ? info->client_addr : NULL;
}

/// A request's header, the first of that name; NULL without one.
static inline const char *crims_http_header(struct MHD_Connection *connection, const char *name) {
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}
#endif
