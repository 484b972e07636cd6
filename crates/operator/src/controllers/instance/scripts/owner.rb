# Makes sure that the owner's account exists, is confirmed and approved, has the role Owner, and that the set-password token
# which the control plane chose is the one Mastodon accepts. Run by `bin/rails runner`; may be run any number of times.

require 'open3'

role = UserRole.find_by(name: 'Owner')
abort 'there is no role Owner: is the schema loaded and seeded?' if role.nil?

username = ENV.fetch('OWNER_USERNAME')

if Account.find_local(username).nil?
  # Its output holds a password: it is thrown away. That the name is taken means that an earlier run got this far.
  _output, status = Open3.capture2e(
    'bin/tootctl', 'accounts', 'create', username,
    '--email', ENV.fetch('OWNER_EMAIL'), '--confirmed', '--role', 'Owner', '--approve'
  )
  abort 'tootctl could not make the owner account' if !status.success? && Account.find_local(username).nil?
end

user = Account.find_local(username).user
abort 'the account of this name is nobody\'s' if user.nil?

user.role_id = role.id
user.approved = true
user.confirmed_at ||= Time.now.utc
user.reset_password_token = Devise.token_generator.digest(User, :reset_password_token, ENV.fetch('OWNER_RESET_PASSWORD_TOKEN'))
user.reset_password_sent_at = Time.now.utc
user.save!(validate: false)
