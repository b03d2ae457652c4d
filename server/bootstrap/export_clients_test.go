package bootstrap

import "encoding/json"

// Unfit is what a node's drivers, as Nomad lists them, lack for tasks under name.
func Unfit(drivers, name string) (string, error) {
	var all map[string]*driver
	err := json.Unmarshal([]byte(drivers), &all)
	return all[name].unfit(), err
}
