package router

import (
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"

	consulapi "github.com/hashicorp/consul/api"
)

// tagCommands renders the route commands of one service instance: one `route add` for each tag that
// begins with prefix. The other tags become the route's tags; dc is what $DC stands for.
//
// Nothing is escaped that Fabio does not escape: a foreign tag with a quote in it gives a line that the
// parser refuses, and with it the whole text.
func tagCommands(log *slog.Logger, instance *consulapi.CatalogService, prefix, dc string) []string {
	var routes, tags []string
	for _, tag := range instance.ServiceTags {
		tag = strings.TrimSpace(tag)
		if rest, ok := strings.CutPrefix(tag, prefix); ok {
			routes = append(routes, strings.TrimSpace(rest))
		} else {
			tags = append(tags, tag)
		}
	}
	address := instance.ServiceAddress
	if address == "" {
		address = instance.Address
	}
	address = net.JoinHostPort(address, strconv.Itoa(instance.ServicePort))

	lines := make([]string, 0, len(routes))
	for _, route := range routes {
		src, options, _ := strings.Cut(route, " ")
		t := readTagOptions(log, options, address)
		line := "route add " + instance.ServiceName + " " + expandSource(src, dc) + " " + t.dst
		if t.weight != "" {
			line += " weight " + t.weight
		}
		if len(tags) > 0 {
			line += " tags " + strconv.Quote(strings.Join(tags, ","))
		}
		if len(t.opts) > 0 {
			line += " opts " + strconv.Quote(strings.Join(t.opts, " "))
		}
		lines = append(lines, line)
	}
	return lines
}

type tagOptions struct {
	dst    string
	weight string // as written: a bad number is the parser's to refuse
	opts   []string
}

func readTagOptions(log *slog.Logger, options, address string) tagOptions {
	t := tagOptions{dst: "http://" + address + "/"}
	for option := range strings.FieldsSeq(options) {
		key, value, _ := strings.Cut(option, "=")
		switch {
		case option == "proto=tcp", option == "proto=https", option == "proto=grpc", option == "proto=grpcs":
			t.dst = value + "://" + address
		case key == "weight" && option != "weight":
			t.weight = value
		case key == "redirect" && option != "redirect":
			code, to, ok := strings.Cut(value, ",")
			if !ok || strings.Contains(to, ",") {
				log.Warn("redirect option ignored", "option", option)
				continue
			}
			t.dst = to
			t.opts = append(t.opts, "redirect="+code)
		default:
			t.opts = append(t.opts, option)
		}
	}
	return t
}

// expandSource lower-cases the host and replaces $DC in host and path; any other name becomes empty.
// A port (":5000") and a bare host are taken as they are.
func expandSource(src, dc string) string {
	host, path, ok := strings.Cut(src, "/")
	if !ok || strings.HasPrefix(src, ":") {
		return src
	}
	expand := func(s string) string {
		return os.Expand(s, func(name string) string {
			if name == "DC" {
				return dc
			}
			return ""
		})
	}
	return strings.ToLower(expand(host)) + "/" + expand(path)
}
