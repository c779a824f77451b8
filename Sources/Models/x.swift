import Glibc
// placeholder
