# What the control plane's runner scripts use of Mastodon, on the same PostgreSQL, in a real Ruby with the real ActiveSupport: a mistake
# in a script fails here as it would there. What a script uses beyond this raises NoMethodError or NameError.
#
# Supported: see README.md, "The Ruby that scripts may use".

require 'active_support'
require 'active_support/core_ext/object/blank'
require 'active_support/core_ext/numeric/time'
require 'active_support/core_ext/integer/time'
require 'active_support/hash_with_indifferent_access'
require 'active_support/key_generator'
require 'active_support/message_verifier'
require 'pg'
require 'securerandom'
require 'yaml'

module StandIn
  def self.faults
    domains = ENV['STANDIN_FAIL_DOMAINS'].to_s.split(',').map(&:strip)
    return [] unless domains.empty? || domains.include?(ENV.fetch('LOCAL_DOMAIN'))

    ENV['STANDIN_FAIL'].to_s.split(',').map(&:strip)
  end

  def self.connection
    @connection ||= PG.connect(
      host: ENV.fetch('STANDIN_PG_HOST'),
      port: ENV.fetch('STANDIN_PG_PORT'),
      dbname: ENV.fetch('STANDIN_PG_NAME'),
      user: ENV.fetch('STANDIN_PG_USER'),
      password: ENV.fetch('STANDIN_PG_PASSWORD')
    ).tap do |connection|
      connection.exec("SET timezone = 'UTC'")
      connection.type_map_for_results = PG::BasicTypeMapForResults.new(connection)
    end
  end

  def self.query(sql, *values)
    connection.exec_params(sql, values.map { |value| encode(value) }).to_a
  end

  def self.encode(value)
    case value
    when Time, ActiveSupport::TimeWithZone then value.to_time.utc.strftime('%Y-%m-%d %H:%M:%S.%6N')
    else value
    end
  end
end

module ActiveRecord
  class ActiveRecordError < StandardError; end
  class RecordNotFound < ActiveRecordError; end
  class RecordInvalid < ActiveRecordError; end
  # Raised, as by the real one, for an attribute that the table does not have.
  class UnknownAttributeError < NoMethodError; end
end

module ActiveRecord
  # SQL as it is written.
  class Base
    def self.connection
      self
    end

    def self.execute(sql)
      StandIn.connection.exec(sql)
    end
  end
end

# A row with readers and writers for its columns, told from the database's own catalogue.
class ApplicationRecord
  class << self
    attr_accessor :table_name

    def columns
      @columns ||= StandIn.query(<<~SQL, table_name).map { |row| row['column_name'] }
        SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1
      SQL
    end

    def find_by(conditions)
      where(conditions).first
    end

    def find_by!(conditions)
      find_by(conditions) || raise(ActiveRecord::RecordNotFound, "Couldn't find #{name}")
    end

    def find(id)
      find_by!(id: id)
    end

    def exists?(conditions)
      !find_by(conditions).nil?
    end

    def count
      StandIn.query("SELECT count(*) AS count FROM #{table_name}").first['count']
    end

    def where(conditions)
      known!(conditions.keys)
      set, unset = conditions.partition { |_, value| !value.nil? }
      clauses = set.each_with_index.map { |(column, _), index| "#{column} = $#{index + 1}" } + unset.map { |column, _| "#{column} IS NULL" }
      StandIn.query("SELECT * FROM #{table_name} WHERE #{clauses.join(' AND ')} ORDER BY id", *set.map(&:last)).map { |row| new(row) }
    end

    def known!(names)
      unknown = names.map(&:to_s) - columns
      raise ActiveRecord::UnknownAttributeError, "unknown attribute '#{unknown.first}' for #{name}." if unknown.any?
    end
  end

  def initialize(row)
    @row = row
    @changes = {}
  end

  def id
    @row['id']
  end

  def [](name)
    @changes.fetch(name.to_s) { @row[name.to_s] }
  end

  def assign_attributes(values)
    values.each { |name, value| public_send("#{name}=", value) }
  end

  def update!(values)
    assign_attributes(values)
    save!
  end

  alias update update!

  # No model has validations here but those of the database, so `validate: false` changes nothing.
  def save!(validate: true)
    return true if @changes.empty?

    changes = @changes.merge('updated_at' => Time.now.utc)
    assignments = changes.keys.each_with_index.map { |column, index| "#{column} = $#{index + 2}" }
    StandIn.query("UPDATE #{self.class.table_name} SET #{assignments.join(', ')} WHERE id = $1", id, *changes.values)
    @row = @row.merge(changes)
    @changes = {}
    true
  rescue PG::IntegrityConstraintViolation => e
    raise ActiveRecord::RecordInvalid, "Validation failed: #{e.message}"
  end

  alias save save!

  # Rails' `update_column(s)`: no validations, no `updated_at`.
  def update_columns(values)
    self.class.known!(values.keys)
    assignments = values.keys.each_with_index.map { |column, index| "#{column} = $#{index + 2}" }
    StandIn.query("UPDATE #{self.class.table_name} SET #{assignments.join(', ')} WHERE id = $1", id, *values.values)
    reload
    true
  end

  def update_column(name, value)
    update_columns(name => value)
  end

  def reload
    @row = StandIn.query("SELECT * FROM #{self.class.table_name} WHERE id = $1", id).first
    @changes = {}
    self
  end

  def respond_to_missing?(name, _private = false)
    self.class.columns.include?(name.to_s.delete_suffix('=').delete_suffix('?'))
  end

  def method_missing(name, *values)
    text = name.to_s
    column = text.delete_suffix('=').delete_suffix('?')
    return super unless self.class.columns.include?(column)

    if text.end_with?('=')
      @changes[column] = values.first
    elsif text.end_with?('?')
      self[column].present?
    else
      self[column]
    end
  end
end

class UserRole < ApplicationRecord
  self.table_name = 'user_roles'
end

class User < ApplicationRecord
  self.table_name = 'users'

  def account
    Account.find(account_id)
  end

  def role
    UserRole.find_by(id: role_id || -99)
  end

  def role=(role)
    self.role_id = role&.id
  end

  def confirmed?
    confirmed_at.present?
  end

  def approve!
    update!(approved: true)
  end

  def confirm
    update!(confirmed_at: confirmed_at || Time.now.utc)
  end
  alias mark_email_as_confirmed! confirm
end

class Account < ApplicationRecord
  self.table_name = 'accounts'

  def self.find_local(username)
    row = StandIn.query('SELECT * FROM accounts WHERE domain IS NULL AND lower(username) = lower($1)', username).first
    row && new(row)
  end

  def self.find_local!(username)
    find_local(username) || raise(ActiveRecord::RecordNotFound, "Couldn't find Account")
  end

  def user
    User.find_by(account_id: id)
  end

  def local?
    domain.nil?
  end
end

# Mastodon's site settings: any name that it has a default for, stored as YAML.
class Setting < ApplicationRecord
  self.table_name = 'settings'

  DEFAULTS = {
    'site_title' => 'Mastodon',
    'site_short_description' => '',
    'site_extended_description' => '',
    'site_terms' => '',
    'site_contact_username' => '',
    'site_contact_email' => '',
    'registrations_mode' => 'none',
    'closed_registrations_message' => '',
    'require_invite_text' => false,
    'min_age' => nil,
    'profile_directory' => true,
    'timeline_preview' => true,
    'trends' => true,
    'noindex' => false,
    'theme' => 'default',
    'reserved_usernames' => %w(abuse account accounts admin administration administrator admins),
    'bootstrap_timeline_accounts' => '',
    'activity_api_enabled' => true,
    'peers_api_enabled' => true,
    'show_domain_blocks' => 'disabled',
    'show_domain_blocks_rationale' => 'disabled',
    'captcha_enabled' => false,
    'media_cache_retention_period' => nil,
    'content_cache_retention_period' => nil,
    'backups_retention_period' => 7,
    'status_page_url' => nil,
    'custom_css' => nil,
    'thumbnail' => nil,
    'allow_referrer_origin' => false,
    'authorized_fetch' => false,
  }.freeze

  class << self
    def [](name)
      setting!(name)
      row = find_by(var: name.to_s)
      row.nil? ? DEFAULTS[name.to_s] : row.value
    end

    def []=(name, value)
      setting!(name)
      raise 'StandInFailure: told to fail by STANDIN_FAIL=configure' if StandIn.faults.include?('configure')

      value = value.to_yaml
      changed = StandIn.query(<<~SQL, name.to_s, value)
        UPDATE settings SET value = $2, updated_at = now() WHERE var = $1 RETURNING id
      SQL
      return unless changed.empty?

      StandIn.query('INSERT INTO settings (var, value, created_at, updated_at) VALUES ($1, $2, now(), now())', name.to_s, value)
    end

    def respond_to_missing?(name, _private = false)
      DEFAULTS.key?(name.to_s.delete_suffix('='))
    end

    def method_missing(name, *values)
      text = name.to_s
      return super unless DEFAULTS.key?(text.delete_suffix('='))

      text.end_with?('=') ? self[text.delete_suffix('=')] = values.first : self[text]
    end

    private

    def setting!(name)
      raise NoMethodError, "undefined method `#{name}' for Setting:Class" unless DEFAULTS.key?(name.to_s)
    end
  end

  def value
    YAML.safe_load(self[:value].to_s, permitted_classes: [ActiveSupport::HashWithIndifferentAccess, Symbol])
  end

  def value=(value)
    @changes['value'] = value.to_yaml
  end
end

module Devise
  # devise: lib/devise/token_generator.rb. Its key generator is made before Rails sets the digest class, so it keeps SHA-1 and 2**16 rounds.
  class TokenGenerator
    def initialize(key_generator)
      @key_generator = key_generator
    end

    def digest(_klass, column, value)
      value.present? && OpenSSL::HMAC.hexdigest('SHA256', key_for(column), value.to_s)
    end

    def generate(klass, column)
      raw = Devise.friendly_token
      [raw, digest(klass, column, raw)]
    end

    private

    def key_for(column)
      @key_generator.generate_key("Devise #{column}")
    end
  end

  def self.token_generator
    @token_generator ||= TokenGenerator.new(
      ActiveSupport::KeyGenerator.new(ENV.fetch('SECRET_KEY_BASE'), hash_digest_class: OpenSSL::Digest::SHA1)
    )
  end

  def self.friendly_token(length = 20)
    SecureRandom.urlsafe_base64((length * 3) / 4).tr('lIO0', 'sxyz')
  end
end

module Rails
  class Application
    # railties: lib/rails/application.rb, with the digest and the serializer of `load_defaults` 7.1 and later.
    def key_generator
      @key_generator ||= ActiveSupport::KeyGenerator.new(
        ENV.fetch('SECRET_KEY_BASE'), iterations: 1000, hash_digest_class: OpenSSL::Digest::SHA256
      )
    end

    def message_verifier(name)
      ActiveSupport::MessageVerifier.new(key_generator.generate_key(name.to_s), serializer: :json_allow_marshal)
    end

    def secret_key_base
      ENV.fetch('SECRET_KEY_BASE')
    end
  end

  Mastodon = Struct.new(:self_destruct_value)
  Extra = Struct.new(:local_domain, :web_domain, :mastodon)
  Configuration = Struct.new(:x)

  def self.application
    @application ||= Application.new
  end

  def self.configuration
    @configuration ||= Configuration.new(
      Extra.new(ENV.fetch('LOCAL_DOMAIN'), ENV['WEB_DOMAIN'].presence || ENV.fetch('LOCAL_DOMAIN'), Mastodon.new(ENV['SELF_DESTRUCT'].presence))
    )
  end

  def self.env
    'production'
  end
end

ActiveSupport::Messages::Metadata.use_message_serializer_for_metadata = true

# `bin/rails runner`: a file, `-` for standard input, or code; the rest is the script's ARGV.
script = ARGV.shift
if %w(-e --environment).include?(script)
  ARGV.shift
  script = ARGV.shift
end

if script == '-'
  eval($stdin.read, TOPLEVEL_BINDING, 'stdin')
elsif File.exist?(script)
  $0 = script
  load(script)
else
  eval(script, TOPLEVEL_BINDING, '(rails runner)')
end
