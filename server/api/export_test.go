package api

// StatusOf is statusOf, for its table test.
var StatusOf = statusOf

// SilentOf is silentOf, for its test.
var SilentOf = silentOf

// MetricsOf is metricsOf, for its tests.
var MetricsOf = metricsOf

// CLIRedirect is cliRedirect, for its table test.
var CLIRedirect = cliRedirect
