# Prints the token that switches self-destruct on, as `tootctl self-destruct` would after asking. Run by `bin/rails runner`.
# It goes into the termination message, where the operator reads it.

token = Rails.application.message_verifier('self-destruct').generate(ENV.fetch('LOCAL_DOMAIN'))
File.write('/dev/termination-log', token)
