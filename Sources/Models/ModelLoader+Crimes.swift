import CrimsCore

extension ModelLoader {
    /// How far from 1 the shares of a category may sum to.
    static let shareSumTolerance = 1e-6

    /// `crimes.csv`: the categories are those of its rows, in the order in which they first come.
    mutating func readCrimes(_ table: inout ModelTable, _ problems: inout ProblemList) {
        var lineOfCrime: [Int] = []
        while table.next(&problems) {
            let code = table.code(0, &problems)
            let description = table.text(1, &problems)
            let category = table.code(2, &problems)
            let severity = table.number(3, in: 0...1e9, expecting: "a weight of 0 or more", &problems)
            let share = table.number(4, in: 0...1.000_001, expecting: "a share from 0 to 1", &problems)
            if category.utf8.contains(where: { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }) {
                problems.error(
                    .crimes, table.line, "category \"\(category)\" must be in lower case, as clients ask for it")
            }
            if categoryIndex.add(category) { categories.append(category) }
            guard crimeIndex.add(code) else {
                problems.error(.crimes, table.line, "crime \"\(code)\" is there twice")
                continue
            }
            lineOfCrime.append(table.line)
            crimes.append(
                .init(
                    code: code, description: description, category: categoryIndex.index(of: category) ?? 0,
                    severity: severity, share: share))
        }
        if table.rows == 0 { problems.error(.crimes, nil, "no crimes; at least one is expected") }
        if crimes.count > CrimeModel.crimesMax {
            problems.error(.crimes, nil, "\(crimes.count) crimes; at most \(CrimeModel.crimesMax) are possible")
        }
        for (index, crime) in crimes.enumerated() where categoryIndex.index(of: crime.code) != nil {
            problems.error(
                .crimes, lineOfCrime[index], "code \"\(crime.code)\" is a category too, so neither could be asked for")
        }
        normaliseShares(&problems)
    }

    private mutating func normaliseShares(_ problems: inout ProblemList) {
        var sums = Array(repeating: 0.0, count: categories.count)
        for crime in crimes { sums[crime.category] += crime.share }
        for (category, sum) in sums.enumerated() where abs(sum - 1) > Self.shareSumTolerance {
            problems.error(
                .crimes, nil, "the shares of category \"\(categories[category])\" sum to \(sum); 1 is expected")
        }
        for index in crimes.indices where sums[crimes[index].category] > 0 {
            crimes[index].share /= sums[crimes[index].category]
        }
    }

    /// `profile.csv`: a code's own row beats that of its category.
    mutating func readProfile(_ table: inout ModelTable, _ problems: inout ProblemList) {
        var rowOfCategory = [Int?](repeating: nil, count: categories.count)
        var rowOfCrime = [Int?](repeating: nil, count: crimes.count)
        var weights = [Double](repeating: 0, count: 168)
        while table.next(&problems) {
            for hour in 0..<168 {
                weights[hour] = table.number(1 + hour, in: 0...168, expecting: "a weight from 0 to 168", &problems)
            }
            let sum = weights.reduce(0, +)
            if abs(sum / 168 - 1) > 1e-3 {
                problems.error(.profile, table.line, "the mean of the weights is \(sum / 168); 1 is expected")
            }
            let row = profiles.count / 168
            let name = table.shown(0)
            let isNew: Bool
            if let crime = crimeIndex.index(of: name) {
                isNew = rowOfCrime[crime] == nil
                rowOfCrime[crime] = row
            } else if let category = categoryIndex.index(of: name) {
                isNew = rowOfCategory[category] == nil
                rowOfCategory[category] = row
            } else {
                problems.error(.profile, table.line, "\"\(name)\" is neither a code nor a category of crimes.csv")
                continue
            }
            if !isNew { problems.error(.profile, table.line, "\"\(name)\" is there twice") }
            profiles.append(contentsOf: Self.ofMeanOne(weights, sum: sum))
        }
        var lacking: [Int] = []
        profileOfCrime = crimes.indices.map { index in
            if let row = rowOfCrime[index] ?? rowOfCategory[crimes[index].category] { return row }
            lacking.append(index)
            return 0
        }
        for index in lacking {
            let crime = crimes[index]
            let category = categories[crime.category]
            problems.error(.profile, nil, "no row for crime \"\(crime.code)\" nor for its category \"\(category)\"")
        }
    }

    private static func ofMeanOne(_ weights: [Double], sum: Double) -> [Double] {
        sum > 0 ? weights.map { $0 * (168 / sum) } : weights
    }

    /// The category that a row speaks of; reported if there is none.
    mutating func category(_ table: ModelTable, column: Int, _ problems: inout ProblemList) -> Int? {
        if let index = categoryIndex.index(of: table.bytes(column)) { return index }
        problems.error(table.file, table.line, "category \"\(table.shown(column))\" is not in crimes.csv")
        return nil
    }
}
