package nomad

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// Attach is the process of a further client: it asks the stand-in at a URL to run one, for as long as this process
// lives, and asks again when the stand-in was away.
func Attach(ctx context.Context, url string, spec ClientSpec, log *slog.Logger) error {
	body, err := json.Marshal(spec)
	if err != nil {
		return fmt.Errorf("encode client: %w", err)
	}
	client := &http.Client{Transport: &http.Transport{}} // no proxy, and no time limit: the answer lasts as long as the client
	for ctx.Err() == nil {
		if err := attachOnce(ctx, client, url+"/v1/devstack/client", body); err != nil && ctx.Err() == nil {
			log.Warn("client not attached", "name", spec.Name, "err", err)
		}
		pause(ctx, 200*time.Millisecond)
	}
	return nil
}

func attachOnce(ctx context.Context, client *http.Client, url string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<10)) // until one of the two ends
	closed := answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answers %d %s", answer.StatusCode, text)
	}
	if err != nil {
		return err
	}
	return closed
}
