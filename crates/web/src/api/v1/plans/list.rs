//! `GET /plans`: what there is to choose from. Open to everybody.

use actix_web::{HttpResponse, web};
use howdah_app::App;
use serde::Serialize;
use utoipa::ToSchema;

/// The catalogue.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlanList {
    #[schema(max_items = 100)]
    items: Vec<Plan>,
}

/// A plan.
#[derive(Debug, Serialize, ToSchema)]
pub struct Plan {
    #[schema(max_length = 63)]
    id: String,
    #[schema(max_length = 200)]
    name: String,
    #[schema(max_length = 2000)]
    description: String,
    /// Of a month, one for each currency.
    #[schema(max_items = 32)]
    prices: Vec<Price>,
    included: Included,
}

/// An amount of money.
#[derive(Debug, Serialize, ToSchema)]
pub struct Price {
    /// ISO 4217.
    #[schema(min_length = 3, max_length = 3)]
    currency: String,
    /// In the currency's minor unit: cents, say.
    #[schema(minimum = 0)]
    minor: i64,
}

/// What the price includes.
#[derive(Debug, Serialize, ToSchema)]
pub struct Included {
    own_media_gib: u32,
    cached_media_gib: u32,
    /// Local accounts that the plan is made for.
    users: u32,
}

impl From<&howdah_domain::Plan> for Plan {
    fn from(plan: &howdah_domain::Plan) -> Self {
        let price = |it: howdah_domain::Money| Price { currency: it.currency.to_string(), minor: it.minor };
        Self {
            id: plan.id.clone(),
            name: plan.name.clone(),
            description: plan.description.clone(),
            prices: plan.prices().map(price).collect(),
            included: Included {
                own_media_gib: plan.included.own_media_gib,
                cached_media_gib: plan.included.cached_media_gib,
                users: plan.included.users,
            },
        }
    }
}

/// The catalogue of plans.
#[utoipa::path(
    get, path = "/api/v1/plans", tag = "plans", operation_id = "listPlans", security(()),
    responses((status = 200, description = "Every plan.", body = PlanList))
)]
pub async fn list(app: web::Data<App>) -> HttpResponse {
    HttpResponse::Ok().json(PlanList { items: app.plans.iter().map(Into::into).collect() })
}
