package rest

import "github.com/lienthong/lienthong/fhir/outcome"

// texts are those of the readable pages themselves.
type texts struct {
	Search, Clear, History, Current, Resources, None string
	SignIn, SignOut, SignedIn                        string
	Version, Changed, Deleted, Results, Versions     string
	Page                                             map[string]string // by relation of a link
	Severity                                         map[string]string
}

var pageWords = map[outcome.Language]*texts{
	outcome.English: {
		Search: "Search", Clear: "Clear", History: "History", Current: "Current version", Resources: "Types of resources",
		SignIn: "Sign in", SignOut: "Sign out", SignedIn: "Signed in as",
		None: "Nothing was found.", Version: "version", Changed: "changed", Deleted: "deleted", Results: "results", Versions: "versions",
		Page:     map[string]string{"first": "First page", "previous": "Previous page", "next": "Next page", "last": "Last page"},
		Severity: map[string]string{"fatal": "Error:", "error": "Error:", "warning": "Warning:", "information": "Note:"},
	},
	outcome.Vietnamese: {
		Search: "Tìm kiếm", Clear: "Xóa điều kiện", History: "Lịch sử", Current: "Phiên bản hiện tại", Resources: "Các loại tài nguyên",
		SignIn: "Đăng nhập", SignOut: "Đăng xuất", SignedIn: "Đang đăng nhập với vai trò",
		None: "Không tìm thấy kết quả nào.", Version: "phiên bản", Changed: "sửa đổi", Deleted: "đã xóa", Results: "kết quả", Versions: "phiên bản",
		Page:     map[string]string{"first": "Trang đầu", "previous": "Trang trước", "next": "Trang sau", "last": "Trang cuối"},
		Severity: map[string]string{"fatal": "Lỗi:", "error": "Lỗi:", "warning": "Cảnh báo:", "information": "Ghi chú:"},
	},
}
