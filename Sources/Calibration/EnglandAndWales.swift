/// All forces together, and figures for those too small to tell their own.
public enum EnglandAndWales {
    /// What asks for all forces where the name of one is expected.
    public static let name = "england-and-wales"

    /// The gamma shape by which a category's rates differ between the MSOAs of one force.
    ///
    /// Maximum likelihood over the 5,217 MSOAs of the 38 forces with at least ten of them in police.uk's records of
    /// 2018-10 to 2019-02 and 2019-07 to 2019-09, each force about its own mean. A category not listed gets the shape
    /// of one in the middle.
    static func shape(_ category: String) -> Double { shapes.first { $0.category == category }?.shape ?? 2 }

    private static let shapes: [(category: String, shape: Double)] = [
        ("anti-social behaviour", 2.03), ("bicycle theft", 0.58), ("burglary", 3.64),
        ("criminal damage and arson", 2.72), ("drugs", 1.11), ("other crime", 2.08), ("other theft", 2.18),
        ("possession of weapons", 1.00), ("public order", 1.72), ("robbery", 0.69), ("shoplifting", 0.52),
        ("theft from the person", 0.46), ("vehicle crime", 2.77), ("violence and sexual offences", 2.50),
    ]
}
