package wire

// CreateBuild asks for an artifact to be made of a source whose blobs are all on the server.
type CreateBuild struct {
	Source  string `json:"source" doc:"SHA-256 of the source's manifest, which is a blob." pattern:"^[0-9a-f]{64}$"`
	Builder string `json:"builder" enum:"go,static,none"`
	Main    string `json:"main,omitempty" doc:"go: the one main package wanted, such as ./cmd/x."`
	Dir     string `json:"dir,omitempty" doc:"static, none: the folder below the source."`
}

// Digests is a list of SHA-256 digests, 64 hexadecimal digits each.
type Digests struct {
	Digests []string `json:"digests" maxItems:"10000"`
}

// Uploaded says what an upload brought.
type Uploaded struct {
	Blobs int `json:"blobs"` // how many were stored
}
