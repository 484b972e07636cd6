# Gives the owner's account a new set-password token, which the control plane chose. Nothing else of the account is touched: what
# its owner has changed since stays so. Run by `bin/rails runner`; may be run any number of times.

user = Account.find_local(ENV.fetch('OWNER_USERNAME'))&.user

if user.nil?
  # The operator knows this word.
  File.write('/dev/termination-log', 'AccountNotFound')
  abort 'the owner\'s account is no longer there under the name that it was given'
end

user.reset_password_token = Devise.token_generator.digest(User, :reset_password_token, ENV.fetch('OWNER_RESET_PASSWORD_TOKEN'))
user.reset_password_sent_at = Time.now.utc
user.save!(validate: false)
