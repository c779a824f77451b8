import Models
import Web

extension Tool {
    /// What is said of HTTP; nil if it is not to be served.
    static func webOptions(_ arguments: Arguments) throws -> WebOptions? {
        guard let address = arguments["http"] else {
            let others = ["http-host", "http-token-file", "http-read-token-file", "http-rate", "http-connections"]
            for name in others where arguments[name] != nil {
                throw UsageError(message: "--\(name) needs --http, the address to serve HTTP at")
            }
            return nil
        }
        var options = WebOptions(address: try WebAddress(address))
        options.names = arguments.all("http-host")
        options.token = try arguments["http-token-file"].map { path throws(WebError) in try WebOptions.token(at: path) }
        options.readToken = try arguments["http-read-token-file"].map { path throws(WebError) in
            try WebOptions.token(at: path)
        }
        if let rate = try number(arguments, "http-rate", 0...1_000_000) { options.rate = rate }
        if let most = try number(arguments, "http-connections", 8...100_000) { options.connections = most }
        options.version = version
        options.pageFolders = ["Sources/Web/Page"] + (ModelCatalog.share.map { [$0 + "/page"] } ?? [])
        return options
    }
}
