"""One file = one kind: each module exports KIND (see engine/kinds/common/model.py); `registry` finds them."""
