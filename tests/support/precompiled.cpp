// Nothing: what is compiled for its program beforehand is for all tests, which are programs, too.
