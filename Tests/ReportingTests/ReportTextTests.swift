import CrimsCore
import Reporting
import Testing

@Suite struct ReportTextTests {
    @Test(arguments: [(0, "0"), (999, "999"), (1_000, "1,000"), (-1_234_567, "−1,234,567")])
    func `thousands stand apart`(value: Int, text: String) { #expect(ReportText.count(value) == text) }

    @Test(arguments: [
        (27_746.6, "27,747"), (99.96, "100.0"), (83.44, "83.4"), (1, "1.00"), (0.096, "0.096"), (0, "0"),
        (-12.3, "−12.3"), (.infinity, "–"), (.nan, "–"),
    ])
    func `numbers have about three digits`(value: Double, text: String) { #expect(ReportText.number(value) == text) }

    @Test(arguments: [(0.0456, "4.6\u{A0}%"), (1.0, "100.0\u{A0}%"), (-0.0001, "0.0\u{A0}%"), (.nan, "–")])
    func `a share is in per cent`(share: Double, text: String) { #expect(ReportText.percent(share) == text) }

    @Test(arguments: [(0.031, "+3.1\u{A0}%"), (-0.031, "−3.1\u{A0}%"), (0.0001, "0.0\u{A0}%")])
    func `a change has its sign, if there is one to see`(share: Double, text: String) {
        #expect(ReportText.change(share) == text)
    }

    @Test(arguments: [(100_000.0, "100,000"), (130, "130"), (51, "51"), (0.4, "0.4"), (0.034, "0.034"), (0, "0")])
    func `short numbers have no zeros at the end`(value: Double, text: String) {
        #expect(ReportText.short(value) == text)
    }

    @Test func `lists end in and, long ones in their number`() {
        #expect(ReportText.list(["a"]) == "a" && ReportText.list(["a", "b", "c"]) == "a, b and c")
        #expect(ReportText.list(["a", "b", "c", "d"], most: 2) == "a, b and 2 more")
        #expect(ReportText.list([CivilMonth(year: 2019, month: 7)]) == "2019-07")
        #expect(ReportText.plural(1, "month") == "1 month" && ReportText.plural(2_000, "month") == "2,000 months")
    }
}
