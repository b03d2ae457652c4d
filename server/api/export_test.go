package api

// StatusOf is statusOf, for its table test.
var StatusOf = statusOf
