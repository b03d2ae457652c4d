package auth

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// person is who a provider says has signed in.
type person struct {
	Subject  string
	Name     string // that a new user gets, if it is free
	FullName string
	Email    string
	Groups   []string
}

// read gives the person that claims describe, and what is not as configured. Groups that can't be read are
// none: who is in none may what was given by hand.
func (c ProviderConfig) read(subject string, claims map[string]any) (who person, problem string) {
	text := func(name string) string { s, _ := claims[name].(string); return s }
	who = person{Subject: subject, FullName: shown(text("name"), 100)}
	if verified, said := claims["email_verified"].(bool); verified || !said {
		who.Email = shown(text("email"), 200)
	}
	who.Name = userName(text(c.NameClaim), text("email"))
	if len(c.Groups) == 0 {
		return who, ""
	}
	switch list := claims[c.GroupsClaim].(type) {
	case nil:
		problem = fmt.Sprintf("there is no claim %q: nobody gets a role by a group", c.GroupsClaim)
	case string:
		who.Groups = []string{list}
	case []any:
		for _, entry := range list {
			group, ok := entry.(string)
			if !ok {
				return who, fmt.Sprintf("claim %q is not a list of names", c.GroupsClaim)
			}
			who.Groups = append(who.Groups, group)
		}
	default:
		problem = fmt.Sprintf("claim %q is not a list of names", c.GroupsClaim)
	}
	return who, problem
}

// grants gives what groups make of a user: the memberships, the strongest of each team, and whether it is an
// admin. decides says that the groups alone say who is an admin.
func (c ProviderConfig) grants(user string, groups []string, now time.Time) (members []paas.Member, admin, decides bool) {
	best := map[string]paas.Member{}
	for _, rule := range c.Groups {
		decides = decides || rule.Admin
		if !slices.Contains(groups, rule.Group) {
			continue
		}
		admin = admin || rule.Admin
		if rule.Admin || best[rule.Team].Team != "" && rank(best[rule.Team].Role) >= rank(rule.Role) {
			continue
		}
		best[rule.Team] = paas.Member{
			Team: rule.Team, User: user, Role: rule.Role, Source: c.Name + ":" + rule.Group, CreatedAt: now.UTC(), CreatedBy: c.Name,
		}
	}
	for _, m := range best {
		members = append(members, m)
	}
	slices.SortFunc(members, func(a, b paas.Member) int { return strings.Compare(a.Team, b.Team) })
	return members, admin, decides
}

// userName makes a name of Crumpet's out of what a provider calls somebody.
func userName(candidates ...string) string {
	for _, text := range candidates {
		text, _, _ = strings.Cut(text, "@")
		var b strings.Builder
		for _, r := range strings.ToLower(text) {
			switch {
			case 'a' <= r && r <= 'z', '0' <= r && r <= '9' && b.Len() > 0:
				b.WriteRune(r)
			case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
				b.WriteByte('-')
			}
			if b.Len() == paas.MaxUser-3 { // room for -99
				break
			}
		}
		if name := strings.TrimRight(b.String(), "-"); name != "" {
			return name
		}
	}
	return "user"
}

// numbered is the nth name to try for somebody whose name is taken.
func numbered(name string, n int) string {
	if n < 2 {
		return name
	}
	return fmt.Sprintf("%s-%d", name, n)
}

// shown makes a provider's text fit to be shown: on one line, without control characters, cut.
func shown(text string, longest int) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, text)
	for len(text) > longest {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return strings.TrimSpace(text)
}
