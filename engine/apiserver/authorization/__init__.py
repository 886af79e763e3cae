"""Who may do what: every request is authorized, as kube-apiserver does with `--authorization-mode=Node,RBAC`.

`attributes` says what a request asks for, `rules` decides it from rules alone, `resolver` finds the rules of a user among the stored
roles and bindings, `nodes` holds kubelets to their own node's objects, `authorizer` asks them in order. `escalation` keeps writers of roles
and bindings from granting what they do not have, `impersonation` lets a user act as another one, `reviews` answers questions about all of
this, `policy` writes the default roles.
"""
