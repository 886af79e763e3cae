"""OpenAPI documents of everything that is served (kube-openapi): what `kubectl explain`, apply and validation read.

`schemas` turns types into schemas, `operations` resources into paths, `documents` keeps and serves the bytes.
"""
