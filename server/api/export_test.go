package api

// StatusOf is statusOf, for its table test.
var StatusOf = statusOf

// MetricsOf is metricsOf, for its tests.
var MetricsOf = metricsOf
