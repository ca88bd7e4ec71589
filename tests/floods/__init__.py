"""The floods: nodes that are hostile or broken in a way that the protocol allows.

`hostile` are such nodes, `honest` are neighbours of theirs that send numbered birds at a calm pace,
and `visitor` opens the pages meanwhile. `test_floods` balances the neighbours' books beside all
floods at once; `make bench FIGURES=floods` measures what they notice of each.
"""
