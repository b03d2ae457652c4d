package watch

// Anew gives the facts as if nothing were known of what they were derived from: the next Fold derives
// every instance again.
func (f Facts) Anew() Facts {
	all := f
	all.instances = map[string]*held{}
	for id, i := range f.instances {
		all.instances[id] = &held{Instance: i.Instance}
	}
	all.folded = notYet
	return all
}
