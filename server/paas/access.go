package paas

// VaultRole names what an app has in Vault: its role, by which its jobs log in, and its policy. No name
// of a team or an app holds two dashes, so that no two apps have the same.
func VaultRole(ref AppRef) string { return "crumpet-" + ref.Team + "--" + ref.App }

// ConfigPath is where in Vault's KV an app's config and secrets are, and BindingPath where the credentials
// of a binding that is no KindPostgres are, whose version is the generation: below MOUNT/data.
func ConfigPath(ref AppRef) string { return "apps/" + ref.Team + "/" + ref.App + "/config" }

// BindingPath stands with ConfigPath.
func BindingPath(ref AppRef, binding string) string {
	return "apps/" + ref.Team + "/" + ref.App + "/bindings/" + binding
}

// GenerationsVariable is the path of the Nomad variable that tells the programs of a team which generation
// of each binding's credentials is theirs. A path takes no dots, so that a job such as shop.blue can have
// none of its own; this one every job of the namespace may read without a policy. It holds numbers only.
const GenerationsVariable = "nomad/jobs"

// GenerationItem names a binding in the team's variable. No name holds two dashes.
func GenerationItem(app, binding string) string { return app + "--" + binding }
