package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	artifactPrefix = "/v1/artifacts/sha256/"
	artifactPath   = artifactPrefix + "{digest}"
)

// ArtifactURL gives the address at which a node fetches an artifact. Its signature has no expiry, so
// that a reschedule at night works, and grants reading that one digest.
func ArtifactURL(advertise string, key []byte, digest string) string {
	return strings.TrimSuffix(advertise, "/") + artifactPrefix + digest + "?sig=" + sign(key, digest)
}

func sign(key []byte, digest string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(digest)) // a hash never fails to be written to
	return hex.EncodeToString(mac.Sum(nil))
}

func isDigest(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == sha256.Size && strings.ToLower(s) == s
}

func (a *API) signedFor(digest, signature string) bool {
	return isDigest(digest) && len(a.ArtifactKey) > 0 && hmac.Equal([]byte(sign(a.ArtifactKey, digest)), []byte(signature))
}

func (a *API) serveArtifact(c echo.Context) error {
	digest := c.Param("digest")
	if !a.signedFor(digest, c.QueryParam("sig")) {
		return paas.Errorf(paas.Unauthorized, "The address of this artifact is not signed by this server.")
	}
	content, _, err := a.Artifacts.Open(c.Request().Context(), digest)
	if err != nil {
		return err
	}
	defer content.Close() //nolint:errcheck // opened for reading only

	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "application/gzip")
	h.Set("ETag", `"`+digest+`"`)
	h.Set(echo.HeaderCacheControl, "private, max-age=31536000, immutable")
	http.ServeContent(c.Response(), c.Request(), "", time.Time{}, content)
	return nil
}

func describeArtifact(_ huma.Registry, op *huma.Operation) {
	op.Description = "Instead of a token this takes the signature in the address that a job names."
	op.Parameters = []*huma.Param{pathParam("digest", "SHA-256 of the artifact."), {
		Name: "sig", In: "query", Required: true, Description: "The server's signature of the digest.",
		Schema: &huma.Schema{Type: huma.TypeString},
	}}
	op.Responses["200"] = &huma.Response{Description: "A tar.gz; ranges are served", Content: bytesOf("application/gzip")}
	op.Responses["206"] = &huma.Response{Description: "A part of it", Content: bytesOf("application/gzip")}
	op.Responses["304"] = &huma.Response{Description: "Not changed: it never does"}
}
