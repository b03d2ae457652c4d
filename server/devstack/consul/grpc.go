package consul

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	consulapi "github.com/hashicorp/consul/api"
)

// probeGRPC calls grpc.health.v1.Health/Check. It is one message each way, too little for a library of its own.
func (d *definition) probeGRPC(ctx context.Context) (status, output string) {
	if err := d.checkGRPC(ctx); err != nil {
		return consulapi.HealthCritical, err.Error()
	}
	return consulapi.HealthPassing, fmt.Sprintf("gRPC check %s: success", d.GRPC)
}

var errUnhealthy = errors.New("gRPC application didn't report service healthy")

func (d *definition) checkGRPC(ctx context.Context) error {
	address, service, _ := strings.Cut(d.GRPC, "/")
	protocols, scheme := new(http.Protocols), "http://"
	protocols.SetUnencryptedHTTP2(true)
	if d.GRPCUseTLS {
		protocols, scheme = new(http.Protocols), "https://"
		protocols.SetHTTP2(true)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, scheme+address+"/grpc.health.v1.Health/Check", bytes.NewReader(healthRequest(service)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("Te", "trailers")
	transport := &http.Transport{Protocols: protocols, TLSClientConfig: d.tls()}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return fmt.Errorf("rpc error: code = Unavailable desc = %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxOutput))
	if err != nil {
		return fmt.Errorf("rpc error: code = Unavailable desc = %w", err)
	}
	// An answer without a message has its status among the headers.
	code, message := resp.Trailer.Get("Grpc-Status"), resp.Trailer.Get("Grpc-Message")
	if code == "" {
		code, message = resp.Header.Get("Grpc-Status"), resp.Header.Get("Grpc-Message")
	}
	if code != "0" {
		return fmt.Errorf("rpc error: code = Code(%s) desc = %s", code, message)
	}
	if !serving(body) {
		return errUnhealthy
	}
	return nil
}

// healthRequest is a frame with HealthCheckRequest{service = 1}.
func healthRequest(service string) []byte {
	var message []byte
	if service != "" {
		message = append(binary.AppendUvarint([]byte{1<<3 | 2}, uint64(len(service))), service...)
	}
	frame := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message)))
	return append(frame, message...)
}

// serving tells whether a frame holds HealthCheckResponse{status = SERVING}.
func serving(frame []byte) bool {
	const head = 5
	return len(frame) >= head && bytes.HasPrefix(frame[head:], []byte{1 << 3, 1})
}
