package spec

// Words that are not of the language, and what is said to who writes them.
var (
	// later are keys of later versions: they are refused, never read and ignored.
	later = map[string]string{
		"autoscale":     "Automatic scaling is not supported yet. Until then set instances, or run \"crumpet scale\".",
		"route_service": "Services in the way of a route are not supported yet. Until then do their work in the program or in a sidecar.",
	}

	// wholeApp is said in the placement of one process.
	wholeApp = map[string]string{
		"pool":        "An app is one Nomad job, which is in one node pool. Write pool in the placement of the app.",
		"datacenters": "An app is one Nomad job, which has one list of datacenters. Write datacenters in the placement of the app.",
	}

	// ofApp is said in a program.
	ofApp = map[string]string{
		"secret":  "A secret is of the whole app, and every program of it has the file. Write it in the app.",
		"service": "A service is of the whole app, and every program of it gets the credentials. Write it in the app.",
	}

	// ofProcess is said in the app.
	ofProcess = map[string]string{
		"volume": "A volume is of one process, each of whose instances has its own. Write it in the process.",
	}

	// sideWords is said in tasks and crons, which run once and end.
	sideWords = map[string]string{
		"port":      "Nothing connects to a program that runs once and ends: it has no ports.",
		"route":     "A program that runs once and ends has no routes. Make it a process.",
		"health":    "A program that runs once and ends has no probes: its exit code says how it went.",
		"instances": "It runs once at a time.",
		"restart":   "How often it is started again after a failure is attempts.",
		"sidecar":   "Only a process has sidecars.",
		"disk":      "Only a process has disk; here it is Nomad's default.",
		"volume":    "A volume stays on a node for the instance of a process to come back to, and this runs once and ends. Keep the data in a service, or make it a process.",
		"placement": "It runs where the app's placement says. Write placement in the app.",
	}

	// nomadWords are what those try who know Nomad's jobspec.
	nomadWords = map[string]string{
		"job":          "The app is the job: crumpet makes one for each release.",
		"group":        "A group of Nomad is a process here.",
		"count":        "It is called instances here.",
		"driver":       "Crumpet chooses the driver.",
		"config":       "Write command = [\"./hello\", \"-flag\"].",
		"resources":    "Write cpu and memory without a block around them.",
		"network":      "Write port \"http\" {} in the process.",
		"check":        "It is called health here.",
		"update":       "It is called deploy here.",
		"migrate":      "Crumpet moves instances off a node by itself.",
		"template":     "It is called file here: file \"conf/app.conf\" { template = \"...\" }.",
		"artifact":     "The artifact is what crumpet builds from the source.",
		"periodic":     "It is called cron here, and stands in the app.",
		"constraint":   "Write it in placement.",
		"affinity":     "Write it in placement.",
		"spread":       "Write it in placement.",
		"datacenters":  "Write it in the placement of the app.",
		"node_pool":    "It is called pool here, in the placement of the app.",
		"vault":        "Crumpet writes it where the app has secrets or services. For a role of your own write Nomad's words: nomad { task = { Vault = { ... } } }.",
		"host_volume":  "It is called volume here, and stands in the process.",
		"volume_mount": "A volume says itself where it is mounted: volume \"data\" { size = \"1GiB\" mount = \"/data\" } in the process.",
		"environment":  "Environments stand in app.",
		"meta":         "Write env, or Nomad's own: nomad { task = { Meta = { ... } } }.",
		"image":        "Crumpet runs programs and no images yet.",
	}
)
