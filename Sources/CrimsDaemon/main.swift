import Glibc

// One call: a closure written here would be bound to the main actor and trap on any other thread.
exit(Tool.run(Array(CommandLine.arguments.dropFirst())))
