// A closure written in this file would belong to the main actor; the work is in another one.
samplingBench(arguments: Array(CommandLine.arguments.dropFirst()))
