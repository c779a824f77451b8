import Calibration
import CrimsCore
import Testing

@Suite struct ExposureTests {
    @Test func `flat weights give the days of a month`() {
        for month in trainingMonths(48) {
            let days = Exposure.days(of: month, weights: Array(repeating: 1, count: 168))
            #expect(abs(days - Double(month.days)) < 1e-12)
        }
    }

    @Test func `exposure is the sum that a run multiplies by`() {
        let weights = (0..<168).map { 0.25 + Double($0 % 24) / 12 }
        for month in trainingMonths(24) {
            var sum = 0.0
            for hour in month.start.hour..<month.next.start.hour { sum += weights[CivilMinute.hourOfWeek(hour: hour)] }
            #expect(abs(Exposure.days(of: month, weights: weights) - sum / 24) < 1e-9)
        }
    }

    @Test func `a month with five Saturdays has more of what happens on Saturdays`() {
        let weights = (0..<168).map { $0 / 24 == 5 ? 7.0 : 0 }
        #expect(Exposure.days(of: CivilMonth(year: 2019, month: 6), weights: weights) == 35)
        #expect(Exposure.days(of: CivilMonth(year: 2019, month: 7), weights: weights) == 28)
    }
}
