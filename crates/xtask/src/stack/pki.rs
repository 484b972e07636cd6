//! The stack's certificate authority, and what it signs anew for every stack.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};

use super::Stack;
use crate::cache::Entry;

const SERVER: ExtendedKeyUsagePurpose = ExtendedKeyUsagePurpose::ServerAuth;
const CLIENT: ExtendedKeyUsagePurpose = ExtendedKeyUsagePurpose::ClientAuth;

pub struct Authority<'a> {
    stack: &'a Stack,
    issuer: Issuer<'static, KeyPair>,
}

impl Stack {
    pub fn pki(&self, file: &str) -> PathBuf {
        self.dir("pki").join(file)
    }

    pub fn kubeconfig(&self, user: &str) -> PathBuf {
        self.pki(&format!("{user}.kubeconfig"))
    }

    /// The authority outlives stacks (it lies in the cache), so that images that trust it stay the same, and a browser has to be told once.
    pub fn authority_certificate(&self) -> Result<PathBuf> {
        let name = "authority";
        let entry = Entry { name, inputs: &[b"P-256"], cost: "a moment" };
        let folder = entry.get(&self.places.cache, self.progress, |folder| {
            let mut params = params("Howdah development stack", None)?;
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
            let key = KeyPair::generate()?;
            fs::write(folder.join("ca.crt"), params.self_signed(&key)?.pem())?;
            fs::write(folder.join("ca.key"), key.serialize_pem())?;
            Ok(fs::set_permissions(folder.join("ca.key"), fs::Permissions::from_mode(0o600))?)
        })?;
        Ok(folder.join("ca.crt"))
    }

    pub fn make_authority(&self) -> Result<Authority<'_>> {
        let certificate = self.authority_certificate()?;
        let key = certificate.with_extension("key");
        fs::copy(&certificate, self.pki("ca.crt"))?;
        fs::copy(&key, self.pki("ca.key"))?;
        let issuer = Issuer::from_ca_cert_pem(&fs::read_to_string(certificate)?, KeyPair::from_pem(&fs::read_to_string(key)?)?)?;
        Ok(Authority { stack: self, issuer })
    }
}

impl Authority<'_> {
    pub fn server(&self, file: &str, names: &[&str]) -> Result<()> {
        let mut params = params(names.first().copied().unwrap_or(file), None)?;
        for name in names {
            params.subject_alt_names.push(match name.parse() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => SanType::DnsName((*name).try_into()?),
            });
        }
        self.sign(file, params, SERVER)
    }

    pub fn client(&self, file: &str, user: &str, group: Option<&str>) -> Result<()> {
        self.sign(file, params(user, group)?, CLIENT)
    }

    /// A client's certificate and the kubeconfig that uses it.
    pub fn kubernetes_user(&self, file: &str, user: &str, group: Option<&str>, server: &str) -> Result<()> {
        self.client(file, user, group)?;
        let pki = self.stack.dir("pki");
        let pki = pki.display();
        let user = format!("client-certificate: {pki}/{file}.crt, client-key: {pki}/{file}.key");
        self.stack.write_kubeconfig(file, server, &user)
    }

    fn sign(&self, file: &str, mut params: CertificateParams, usage: ExtendedKeyUsagePurpose) -> Result<()> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        fs::write(self.stack.pki(&format!("{file}.crt")), certificate.pem())?;
        fs::write(self.stack.pki(&format!("{file}.key")), key.serialize_pem())?;
        Ok(())
    }

    /// The key pair that signs ServiceAccounts' tokens.
    pub fn service_accounts(&self) -> Result<()> {
        let key = KeyPair::generate()?;
        fs::write(self.stack.pki("sa.key"), key.serialize_pem())?;
        fs::write(self.stack.pki("sa.pub"), key.public_key_pem())?;
        Ok(())
    }
}

impl Stack {
    /// `user` is the inside of the kubeconfig's user, as YAML flow.
    pub fn write_kubeconfig(&self, file: &str, server: &str, user: &str) -> Result<()> {
        let ca = self.pki("ca.crt");
        let text = format!(
            "apiVersion: v1\nkind: Config\n\
             clusters: [{{name: stack, cluster: {{server: \"{server}\", certificate-authority: {}}}}}]\n\
             users: [{{name: {file}, user: {{{user}}}}}]\n\
             contexts: [{{name: stack, context: {{cluster: stack, user: {file}}}}}]\ncurrent-context: stack\n",
            ca.display()
        );
        Ok(fs::write(self.kubeconfig(file), text)?)
    }
}

fn params(name: &str, organisation: Option<&str>) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new())?;
    // A fixed span: no stack lives for years, and a clock that jumps in a test must not end it.
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2045, 1, 1);
    params.distinguished_name.push(DnType::CommonName, name);
    if let Some(organisation) = organisation {
        params.distinguished_name.push(DnType::OrganizationName, organisation);
    }
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}
