package bootstrap

// Steps are all of them, in the order in which up does them; destroy goes the other way. They have no state of
// their own.
func Steps() []Step {
	return []Step{
		reach{},
		programs{},
		authority{},
		consul{},
		consulACL{},
		vault{},
		unseal{},
		nomad{},
		nomadACL{},
		clients{},
		identity{},
		platformJobs{},
		revoke{},
	}
}
