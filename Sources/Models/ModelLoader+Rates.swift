import CrimsCore

extension ModelLoader {
    /// `rates.csv`: one row for each area and category.
    mutating func readRates(_ table: inout ModelTable, _ problems: inout ProblemList) {
        rates = Array(repeating: 0, count: areas.count * categories.count * 12)
        var seen = Array(repeating: false, count: areas.count * categories.count)
        while table.next(&problems) {
            guard let cell = cell(table, &seen, &problems) else { continue }
            for month in 0..<12 {
                rates[cell * 12 + month] = table.number(
                    2 + month, in: 0...1e9, expecting: "incidents per day, 0 or more,", &problems)
            }
        }
        reportMissing(table, seen, &problems)
    }

    /// `suspect.csv`: one row for each area and category.
    mutating func readSuspect(_ table: inout ModelTable, _ problems: inout ProblemList) {
        suspect = Array(repeating: 0, count: areas.count * categories.count)
        var seen = Array(repeating: false, count: areas.count * categories.count)
        while table.next(&problems) {
            guard let cell = cell(table, &seen, &problems) else { continue }
            suspect[cell] = table.number(2, in: 0...1, expecting: "a probability from 0 to 1", &problems)
        }
        reportMissing(table, seen, &problems)
    }

    /// `dispersion.csv`: categories without a row have none.
    mutating func readDispersion(_ table: inout ModelTable, _ problems: inout ProblemList) {
        var seen = Array(repeating: false, count: categories.count)
        while table.next(&problems) {
            guard let category = categoryOnce(table, &seen, &problems) else { continue }
            dispersion[category].shared = table.number(1, in: 0...1e3, expecting: "a variance of 0 or more", &problems)
            dispersion[category].own = table.number(2, in: 0...1e3, expecting: "a variance of 0 or more", &problems)
        }
    }

    /// `trend.csv`: categories without a row have none.
    mutating func readTrend(_ table: inout ModelTable, _ problems: inout ProblemList) {
        var seen = Array(repeating: false, count: categories.count)
        while table.next(&problems) {
            guard let category = categoryOnce(table, &seen, &problems) else { continue }
            trend[category].growth = table.number(
                1, in: -1...1, expecting: "growth of the logarithm in a month, from -1 to 1,", &problems)
            trend[category].damping = table.number(2, in: 0...1, expecting: "a factor from 0 to 1", &problems)
        }
    }

    /// The index of a row's area and category, the first time that they come.
    private mutating func cell(
        _ table: ModelTable, _ seen: inout [Bool], _ problems: inout ProblemList
    ) -> Int? {
        let area = area(table, column: 0, &problems)
        let category = category(table, column: 1, &problems)
        guard let area, let category else { return nil }
        let cell = area * categories.count + category
        if seen[cell] {
            problems.error(
                table.file, table.line,
                "area \"\(areas[area].code)\", category \"\(categories[category])\" is there twice")
            return nil
        }
        seen[cell] = true
        return cell
    }

    private mutating func categoryOnce(
        _ table: ModelTable, _ seen: inout [Bool], _ problems: inout ProblemList
    ) -> Int? {
        guard let category = category(table, column: 0, &problems) else { return nil }
        if seen[category] {
            problems.error(table.file, table.line, "category \"\(categories[category])\" is there twice")
            return nil
        }
        seen[category] = true
        return category
    }

    private func reportMissing(_ table: ModelTable, _ seen: [Bool], _ problems: inout ProblemList) {
        guard table.rows > 0 else {
            problems.error(table.file, nil, "no rows; one for each area and category is expected")
            return
        }
        for (cell, isSeen) in seen.enumerated() where !isSeen {
            let area = areas[cell / categories.count].code
            let category = categories[cell % categories.count]
            problems.error(table.file, nil, "no row for area \"\(area)\", category \"\(category)\"")
        }
    }
}
