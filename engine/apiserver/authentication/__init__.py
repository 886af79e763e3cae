"""Who somebody is: tokens of service accounts, made (`token_requests`) and read (`authenticator`) with a key that lives in the state
(`keys`), and the reviews that tell (`reviews`). Client certificates and the administrator's token are the HTTPS shell's."""
