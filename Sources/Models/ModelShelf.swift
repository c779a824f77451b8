import Locking
import CrimsCore

/// The models of a catalog, each read once: whoever asks for one, on whatever thread, gets the same.
public final class ModelShelf: Sendable {
    public let catalog: ModelCatalog
    private let models = Locked<[String: CrimeModel]>([:])

    public init(_ catalog: ModelCatalog) { self.catalog = catalog }

    /// The model of that name, which stays as it was when it was first asked for.
    ///
    /// - Throws: what ``ModelCatalog/load(_:)`` throws.
    public func load(_ name: String) throws(ModelError) -> CrimeModel {
        if let model = models.withLock({ $0[name] }) { return model }
        // Read outside the lock, so that nobody waits for a model that he did not ask for.
        let read = try catalog.load(name)
        return models.withLock { models in
            if let model = models[name] { return model }
            models[name] = read
            return read
        }
    }

    /// A model's title, from its `model.json` alone; nil if there is no such model, or that file is not in order.
    public func title(of name: String) -> String? {
        if let model = models.withLock({ $0[name] }) { return model.title }
        return catalog.path(of: name).flatMap { try? ModelFolder.title($0) }
    }
}
