package deploy

// Guard is guard, for its table.
var Guard = guard
