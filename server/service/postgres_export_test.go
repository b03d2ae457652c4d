package service

// FactsOf tells what an instance on a server at this URL says of itself.
func FactsOf(text string) (map[string]string, error) {
	u, err := serverURL(text)
	if err != nil {
		return nil, err
	}
	return facts(u, namesOf("one")), nil
}
