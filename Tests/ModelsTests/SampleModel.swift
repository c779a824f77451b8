import CrimsCore
import Models
import Protocol

/// A small model with one of everything that the format has.
enum SampleModel {
    static let areas: [CrimeModel.Area] = [
        .init(
            code: "E1", name: "Saints, and \"Sinners\"", longitude: -2.878254, latitude: 53.492331, population: 7_451),
        .init(code: "E2", name: "Beta", longitude: -2.5, latitude: 53.25, population: 0),
        .init(code: "E3", name: "Île-à-côté", longitude: 0, latitude: -1e-3, population: 12),
    ]

    static var model: CrimeModel {
        let rates = (0..<3 * 2 * 12).map { Double($0) / 7 }
        let week = (0..<168).map { 0.5 + Double($0) / 167 }
        let night = (0..<168).map { $0 % 24 < 6 ? 4.0 : 0 }
        return CrimeModel(
            name: "sample", title: "A sample",
            period: (CivilMonth(year: 2018, month: 1), CivilMonth(year: 2019, month: 12)), digest: "",
            areas: areas, categories: ["burglary", "robbery"],
            crimes: [
                .init(code: "28E", description: "Burglary, residential", category: 0, severity: 438.1, share: 0.75),
                .init(code: "30C", description: "Burglary elsewhere", category: 0, severity: 0, share: 0.25),
                .init(code: "34B", description: "Robbery", category: 1, severity: 746, share: 1),
            ],
            rates: rates, profiles: week + night, profileOfCrime: [0, 1, 0],
            suspect: [0, 1, 0.125, 0.333333, 0.5, 0.9], neighbours: [[1], [0, 2], [1]],
            dispersion: [.init(shared: 0.02, own: 0.1), .init()], trend: [.init(growth: -0.01, damping: 0.9), .init()])
    }

    static let information = ModelInformation(
        sources: [.init(name: "somebody", licence: "a licence", note: "all")], method: "made up",
        settings: [.init("half-life", .number(12)), .init("months", .array([.string("2018-01")]))],
        notes: ["Not \"real\"."])

    /// A folder that holds the sample as `sample`.
    static func written() throws -> (folder: TemporaryFolder, path: String) {
        let folder = TemporaryFolder()
        try ModelFolder.write(model, information: information, to: folder.path + "/sample")
        return (folder, folder.path + "/sample")
    }
}
