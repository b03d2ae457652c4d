package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// statuses is the one place where a code becomes an HTTP status.
var statuses = map[paas.Code]int{
	paas.Invalid:      http.StatusUnprocessableEntity,
	paas.NotFound:     http.StatusNotFound,
	paas.Conflict:     http.StatusConflict,
	paas.Forbidden:    http.StatusForbidden,
	paas.Unauthorized: http.StatusUnauthorized,
	paas.Quota:        http.StatusRequestEntityTooLarge,
	paas.OverQuota:    http.StatusUnprocessableEntity,
	paas.Limited:      http.StatusTooManyRequests,
	paas.Unavailable:  http.StatusServiceUnavailable,
	paas.Internal:     http.StatusInternalServerError,
}

// codeOfStatus gives the code for an error that Echo or huma found: it has a status only.
func codeOfStatus(status int) paas.Code {
	for code, s := range statuses {
		if s == status && code != paas.OverQuota {
			return code
		}
	}
	if status >= http.StatusInternalServerError {
		return paas.Internal
	}
	return paas.Invalid // 400, 405, 406, 415
}

// problem is a wire.Problem that huma can write.
type problem struct {
	wire.Problem
}

// GetStatus, Error and ContentType are what huma asks of an error.
func (p *problem) GetStatus() int            { return p.Status }
func (p *problem) Error() string             { return p.Detail }
func (p *problem) ContentType(string) string { return wire.ProblemType }

func newProblem(ctx context.Context, status int, code paas.Code, detail string, faults []paas.Fault) *problem {
	callOf(ctx).detail = detail
	return &problem{wire.Problem{
		Title: http.StatusText(status), Status: status, Detail: detail,
		Code: code, Errors: faults, RequestID: callOf(ctx).request,
	}}
}

// problemOf turns any error into the body a user sees. What is our fault is logged here, once, with
// its cause; the user gets the request's id to find it by.
func (a *API) problemOf(ctx context.Context, err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	if h, ok := errors.AsType[*echo.HTTPError](err); ok {
		return newProblem(ctx, h.Code, codeOfStatus(h.Code), sentences[h.Code], nil)
	}
	code, detail := paas.CodeOf(err), paas.MessageOf(err)
	if errors.Is(err, context.DeadlineExceeded) && code == paas.Internal {
		code, detail = paas.Unavailable, "The server could not do this in time. Try again."
	}
	switch status := statuses[code]; {
	case ctx.Err() != nil: // the caller has left: whatever failed, failed because of that
		return newProblem(ctx, status, code, detail, nil)
	case code == paas.Internal || status == 0:
		status, code = http.StatusInternalServerError, paas.Internal
		a.Log.ErrorContext(ctx, "request failed", "request_id", callOf(ctx).request, "err", err)
		return newProblem(ctx, status, code, detail, nil)
	case code == paas.Unavailable:
		a.Log.WarnContext(ctx, "backend did not answer", "request_id", callOf(ctx).request, "err", err)
		fallthrough
	default:
		return newProblem(ctx, status, code, detail, paas.FaultsOf(err))
	}
}

// sentences are said for what Echo finds before a handler runs.
var sentences = map[int]string{
	http.StatusNotFound:              "There is nothing at this path. /openapi.json lists what there is.",
	http.StatusMethodNotAllowed:      "This path does not take this method. The Allow header lists those it takes.",
	http.StatusRequestEntityTooLarge: "The request is larger than the server takes.",
	http.StatusUnsupportedMediaType:  "The server can't read this content type. Send application/json.",
	http.StatusBadRequest:            "The server can't read this request.",
}

// handleError is Echo's HTTPErrorHandler: every error that was not written yet ends here.
func (a *API) handleError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	p := a.problemOf(c.Request().Context(), err)
	if p.Status == http.StatusUnauthorized {
		c.Response().Header().Set("WWW-Authenticate", `Bearer realm="crumpet"`)
	}
	c.Response().Header().Set(echo.HeaderContentType, wire.ProblemType)
	if c.Request().Method == http.MethodHead {
		c.Response().WriteHeader(p.Status)
		return
	}
	if err := c.JSON(p.Status, p); err != nil {
		a.Log.DebugContext(c.Request().Context(), "caller left before the error was written", "err", err)
	}
}

// huma asks a process-wide variable for its errors. Set before any API exists, so that APIs made in
// parallel don't race for it; the request's id comes from the context, not from an API.
func init() {
	huma.DefaultArrayNullable = false // lists are [] in our bodies, never null
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		return validationProblem(context.Background(), status, msg, errs)
	}
	huma.NewErrorWithContext = func(c huma.Context, status int, msg string, errs ...error) huma.StatusError {
		return validationProblem(c.Context(), status, msg, errs)
	}
}

// validationProblem is what huma found wrong with a request. The value that huma would echo is left
// out, and so are the words of encoding/json, which quote what they could not read: it may be a secret.
func validationProblem(ctx context.Context, status int, msg string, errs []error) *problem {
	var faults []paas.Fault
	for _, err := range errs {
		var d huma.ErrorDetailer
		if errors.As(err, &d) {
			detail := d.ErrorDetail()
			message := detail.Message
			if text, whole := detail.Value.(string); whole && detail.Location == "body" && (status == http.StatusBadRequest || strings.HasPrefix(message, "json: ")) {
				message = unreadable(text)
			}
			faults = append(faults, paas.Fault{Location: detail.Location, Message: message})
		}
	}
	code := codeOfStatus(status)
	detail := sentences[status]
	switch {
	case code == paas.Internal:
		detail = paas.MessageOf(nil)
	case status == http.StatusUnprocessableEntity:
		detail = "The request has values the server can't take; errors lists them."
	case status == http.StatusBadRequest && len(faults) == 0:
		detail = "The request is not right: " + msg + "."
	case status == http.StatusBadRequest:
		detail = "The request's body is not JSON."
	case detail == "":
		detail = "The request is not right: " + msg + "."
	}
	return newProblem(ctx, status, code, detail, faults)
}

// unreadable says where a body is not JSON, without a letter of it.
func unreadable(body string) string {
	var value any
	syntax, wrong := errors.AsType[*json.SyntaxError](json.Unmarshal([]byte(body), &value))
	if !wrong {
		return "holds a value of a type that the server can't take"
	}
	before := body[:min(max(int(syntax.Offset)-1, 0), len(body))]
	line, column := strings.Count(before, "\n")+1, len(before)-strings.LastIndexByte(before, '\n')
	return fmt.Sprintf("is not JSON at line %d, column %d", line, column)
}
