package spec

import (
	"errors"
	"fmt"
	"math/big"
	"net/netip"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// cidrHostFunc gives the address of a host within a network, counted from its end if negative.
var cidrHostFunc = function.New(&function.Spec{
	Params: []function.Parameter{param("prefix", cty.String), param("hostnum", cty.Number)},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		network, err := prefix(args[0])
		if err != nil {
			return cty.NilVal, err
		}
		host, accuracy := args[1].AsBigFloat().Int(nil)
		if accuracy != big.Exact {
			return cty.NilVal, function.NewArgErrorf(1, "it must be a whole number")
		}
		bits := network.Addr().BitLen() - network.Bits()
		room := new(big.Int).Lsh(big.NewInt(1), uint(bits))
		if host.Sign() < 0 {
			host.Add(host, room)
		}
		if host.Sign() < 0 || host.Cmp(room) >= 0 {
			return cty.NilVal, function.NewArgErrorf(1, "the network has no such host: it has %d bits for hosts", bits)
		}
		return cty.StringVal(address(network.Addr(), host).String()), nil
	},
})

var cidrNetmaskFunc = function.New(&function.Spec{
	Params: []function.Parameter{param("prefix", cty.String)},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		network, err := prefix(args[0])
		if err != nil {
			return cty.NilVal, err
		}
		if !network.Addr().Is4() {
			return cty.NilVal, errors.New("only networks of IPv4 have a mask")
		}
		mask := ^uint32(0) << (32 - network.Bits())
		return cty.StringVal(fmt.Sprintf("%d.%d.%d.%d", byte(mask>>24), byte(mask>>16), byte(mask>>8), byte(mask))), nil
	},
})

// cidrSubnetFunc gives the network that has newbits more bits than prefix and the number netnum in it.
var cidrSubnetFunc = function.New(&function.Spec{
	Params: []function.Parameter{param("prefix", cty.String), param("newbits", cty.Number), param("netnum", cty.Number)},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		network, err := prefix(args[0])
		if err != nil {
			return cty.NilVal, err
		}
		added, exact := args[1].AsBigFloat().Int64()
		bits := network.Bits() + int(max(-1, min(added, 1000)))
		if exact != big.Exact || added < 0 || bits > network.Addr().BitLen() {
			return cty.NilVal, function.NewArgErrorf(1, "the network has not as many bits left")
		}
		number, exact := args[2].AsBigFloat().Int(nil)
		if exact != big.Exact || number.Sign() < 0 || number.BitLen() > int(added) {
			return cty.NilVal, function.NewArgErrorf(2, "it must be a whole number of at most %d bits", added)
		}
		number.Lsh(number, uint(network.Addr().BitLen()-bits))
		return cty.StringVal(netip.PrefixFrom(address(network.Addr(), number), bits).String()), nil
	},
})

func prefix(v cty.Value) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(v.AsString())
	if err != nil {
		return p, function.NewArgErrorf(0, "it must be a network such as 10.0.0.0/8")
	}
	return p.Masked(), nil
}

// address gives the one that lies n above the first of a network.
func address(first netip.Addr, n *big.Int) netip.Addr {
	raw := first.AsSlice()
	sum := n.Add(n, new(big.Int).SetBytes(raw))
	a, _ := netip.AddrFromSlice(sum.FillBytes(raw)) // as long as it was
	return a
}
