import Protocol

/// Words that the decoders know, for fuzzers to put together.
package enum Words {
    package static let all: [String] =
        Protocol.Operation.names.map { "\"op\":\"\($0)\"" } + fields.map { "\"\($0)\":" } + values + texts

    private static let fields = [
        "v", "id", "op", "run", "model", "start", "end", "step", "seed", "replicate", "dispersion", "trend", "publish",
        "participants", "seq", "count", "until", "format", "participant", "adjust", "factor", "mode", "areas",
        "categories", "codes", "descriptions", "from", "half_life", "displacement", "target", "key", "source", "reason",
        "adjustment", "as", "to", "by", "name", "timeout", "on_timeout",
    ]

    private static let values = [
        "\"small\"", "\"a\"", "\"b\"", "\"r1\"", "\"a1\"", "\"records\"", "\"csv\"", "\"columns\"", "\"counts\"",
        "\"none\"", "\"scale\"", "\"set\"", "\"incidence\"", "\"suspect\"", "\"burglary\"", "\"other theft\"", "\"E1\"",
        "\"E4\"", "\"28E\"", "\"2020-02-28\"", "\"2020-02-29T23:59:00\"", "\"2209-03-30T08:00\"", "\"1970-01-01\"",
        "\"15m\"", "\"1h\"", "\"8h\"", "\"1d\"", "\"1w\"", "\"1mo\"", "\"2880mo\"", "\"area\"", "\"category\"",
        "\"hour\"", "\"hour_of_week\"", "\"day\"", "\"month\"", "[\"E1\",\"E2\"]", "[\"category\"]",
        "[{\"factor\":2}]", "{\"factor\":0.5}", "null", "true", "false", "[]", "{}", "[[[[", "0", "-0", "1", "0.5",
        "1000", "1e-320", "1e308", "1e999", "9007199254740991", "9007199254740992", "9223372036854775808", "4294967295",
        "NaN", "-Infinity", "\"\\ud83d\\ude00\"", "\"\\u0000\"", "\"\\ud800\"",
    ]

    private static let texts = [
        ",", ":", "\"", "\\", "\r\n", "\n", "\u{FEFF}", "%%", "@areas.csv", "@crimes.csv", "@rates.csv",
        "@neighbours.csv", "@profile.csv", "@suspect.csv", "@model.json", "@dispersion.csv", "@trend.csv",
        "@-trend.csv", "@lsoa.csv", "@forces.csv", "@offences.csv", "@offence_counts.csv", "\"\"", "1e400", "-1",
        "here", "there", "M1", "L1", "Burglary", "2018-01", "2099-12", "0000-13", "open", "fork", "retract", "close",
        "delete", "\n&", "\n~~~", "\n+step/", "\n=", "\n%", "\n!!", "\n?", "\"p\"", "\"q\"", "\"5m\"", "\"500ms\"",
        "PK\u{3}\u{4}", "PK\u{1}\u{2}", "PK\u{5}\u{6}",
        "bytes 0-1/2", "Content-Range:", "Content-Length:",
    ]

    /// In the form in which libFuzzer reads a dictionary.
    package static var dictionary: String {
        let digits = Array("0123456789abcdef")
        return all.map { word in
            "\""
                + word.utf8.map { byte in
                    let isPlain = (0x20..<0x7F).contains(byte) && byte != 0x22 && byte != 0x5C
                    return isPlain
                        ? String(Unicode.Scalar(byte)) : "\\x\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
                }.joined() + "\"\n"
        }.joined()
    }
}
