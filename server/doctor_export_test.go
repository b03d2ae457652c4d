package server

import (
	"net"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/crumpet-paas/crumpet/server/doctor"
)

// What the doctor is told of certificates and of this machine, and what of its findings is a metric.
var (
	Certificate = CertificateBy((&net.Dialer{}).DialContext)
	ThisMachine = thisMachine
	SwapOf      = swapOf
)

// HealthOf shows what a doctor found last.
func HealthOf(d *doctor.Doctor) prometheus.Collector { return health{d} }
