package cli

// ReadFrom reads what programs come from.
var ReadFrom = readFrom
