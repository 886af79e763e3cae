"""CustomResourceDefinitions: kinds that come and go while the server runs (staging/src/k8s.io/apiextensions-apiserver).

`serving` follows the definitions in the store; `acceptance` says what their status is; `kinds` makes a `Kind` of one, out of
`structural` (types, pruning, defaults), `values` (validation) and `printing` (columns).
"""
