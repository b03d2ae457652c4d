package devstack

// MountPoints is what would be unmounted.
var MountPoints = mountPoints
